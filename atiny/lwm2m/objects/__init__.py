"""The objects of LwM2M 1.0 that the device brings itself; one file each."""
