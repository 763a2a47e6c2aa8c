"""Jobs and dead letters on disk.

From outside: dead_letter_queries, dead_letters, job_index, job_queue, queue_queries.
"""
