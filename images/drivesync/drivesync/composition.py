"""The real parts put together: Drive, the disk, the state and the engine on them."""
