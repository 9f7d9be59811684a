"""The viewer's side of the service: live states and replays over WebSockets, and the page that shows them."""
