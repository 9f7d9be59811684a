"""Let a kafka-python producer whose record expired ask the broker for a new id, as it means to."""

from kafka import KafkaProducer
from kafka.producer.transaction_manager import TransactionState


def renew_lost_ids(producer: KafkaProducer) -> None:
    """Have an idempotent producer go on after a record that it had sent expired, as while a broker is restarted.

    kafka-python 3.0.12 gives its id up then, and does not see that it has to ask for another: it sends nothing more,
    and no record it holds is ever acknowledged or failed. It offers no public way to say so.
    """
    manager = producer._transaction_manager
    give_up_id = manager.reset_producer_id

    def give_up_id_and_ask_again() -> None:
        with manager._lock:
            give_up_id()
            manager._current_state = TransactionState.UNINITIALIZED

    manager.reset_producer_id = give_up_id_and_ask_again
