"""What is compared, by group: our call, the peers' calls, and the check that they agree."""
