"""The checklist: one module per check, named as its slug. A check judges observations, and does nothing else."""
