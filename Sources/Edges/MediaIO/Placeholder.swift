// Keeps the module's folder until its first file lands.
