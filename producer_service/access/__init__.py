"""Who may use this producer, and whose which stream is: the same for HTTP, WebSocket and gRPC."""
