"""`ops verify`: compares what runs with what was promised, and looks without changing anything."""
