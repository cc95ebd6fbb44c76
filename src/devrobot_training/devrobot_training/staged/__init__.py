"""Training in stages that grow: the plan, the stages, the choice."""
