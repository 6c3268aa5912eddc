"""The terminal program. Only this package imports Textual; torch is loaded in a job's thread and nowhere else."""
