"""The whole suite under load and under fire: the headline, its scaling, an hour of it, and every fault in turn."""
