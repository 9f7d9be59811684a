"""gRPC for services inside, which have decoded frames at hand: the interface is protos/holistic/v1/landmarks.proto."""
