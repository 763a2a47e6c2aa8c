"""Operations and commands of the page."""
