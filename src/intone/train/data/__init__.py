"""From a corpus on disk to checked rows: reading, measuring, verdicts, splits, the report."""
