"""The sink runtime: reads topics for a sink, commits what the sink made durable, and survives what happens meanwhile.

It knows no sink. A sink author implements `connect_runtime.sink.Sink` and hands it to `connect_runtime.service`.
"""
