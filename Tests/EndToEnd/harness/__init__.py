"""What the end-to-end tests are made of: the gateway, its clients, and browsers."""
