// GatewayConfiguration
