"""Work on pictures in processes of its own: what hangs or breaks there is replaced, and the service goes on."""
