"""The Takes tab: everything that was kept."""
