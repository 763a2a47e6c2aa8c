"""Jobs and dead letters on disk.

From outside: dead_letters, job_index, job_queue, rows.
"""
