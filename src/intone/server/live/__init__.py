"""Text that arrives in pieces, spoken as soon as there is enough of it, over a WebSocket."""
