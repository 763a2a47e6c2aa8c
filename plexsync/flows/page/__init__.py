"""Operations and commands of the page.

From outside: commands, operations.
"""
