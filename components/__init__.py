"""The Pulumi components: every resource of the stack is made here and nowhere else."""
