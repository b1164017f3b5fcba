"""LwM2M 1.0 on the device's side: model, operations, registration, observation. Sees CoAP as requests and responses."""
