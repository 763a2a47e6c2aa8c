"""PlexSync under attack: killed, starved of disk, lied to by the clock, thousands of times."""
