"""Clients that write down what they asked and what they were told: the history that `esker sim check` judges (sim/README.md)."""

import json
import threading
import time

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaException, Producer, TopicPartition

TOPIC = "torture"
GROUP = "torture-group"
PARTITIONS = 4


class History:
    def __init__(self, path):
        self.file, self.lock, self.begin = open(path, "w"), threading.Lock(), time.monotonic_ns()
        self.count = 0
        names = [f"{TOPIC}-{partition}" for partition in range(PARTITIONS)]
        self.file.write(json.dumps({"esker_history": 1, "partitions": names, "groups": [GROUP]}) + "\n")

    def say(self, client, op, state, do, **more):
        with self.lock:
            t = (time.monotonic_ns() - self.begin) // 1000
            self.count += 1
            self.file.write(json.dumps({"t": t, "client": client, "op": op, "state": state, "do": do, **more}) + "\n")

    def close(self):
        self.file.close()


class Client(threading.Thread):
    def __init__(self, number, history, bootstrap):
        super().__init__(daemon=True)
        self.number, self.history, self.bootstrap, self.ops = number, history, bootstrap, 0
        self.stopping, self.failed, self.done = threading.Event(), None, 0

    def invoke(self, do, **more):
        self.ops += 1
        self.history.say(self.number, self.ops, "invoke", do, **more)
        return self.ops

    def run(self):
        try:
            self.work()
        except Exception as error:  # told at the end: a client that dies in silence proves nothing
            self.failed = f"client {self.number}: {error!r}"


class Sender(Client):
    """An idempotent producer, acks=all."""

    def work(self):
        producer = Producer({
            "bootstrap.servers": self.bootstrap, "enable.idempotence": True, "linger.ms": 2, "message.timeout.ms": 120000,
            "socket.timeout.ms": 5000, "reconnect.backoff.max.ms": 500, "topic.metadata.refresh.interval.ms": 2000,
            "queue.buffering.max.messages": 2000, "log_level": 0})
        turn = 0
        while not self.stopping.is_set():
            turn += 1
            self.send(producer, turn)
            producer.poll(0)
            time.sleep(0.004)
        left = producer.flush(100)
        if left:
            raise RuntimeError(f"{left} records were never answered")

    def send(self, producer, turn):
        partition, value = turn % PARTITIONS, self.number << 32 | turn
        op = self.invoke("send", partition=partition, values=[value], order=True, once=True, kept=True)

        def told(error, message):
            if error is None:
                self.done += 1
                self.history.say(self.number, op, "ok", "sent", offset=message.offset())
            else:
                self.history.say(self.number, op, "info", "error", why=error.str())

        while True:
            try:
                return producer.produce(TOPIC, str(value).ljust(200).encode(), partition=partition, on_delivery=told)
            except BufferError:
                producer.poll(0.1)


def consumer(bootstrap, group, **more):
    return Consumer({
        "bootstrap.servers": bootstrap, "group.id": group, "enable.auto.commit": False, "auto.offset.reset": "error",
        "socket.timeout.ms": 5000, "reconnect.backoff.max.ms": 500, "topic.metadata.refresh.interval.ms": 2000,
        "fetch.wait.max.ms": 100, "log_level": 0, **more})


def reads(messages):
    """Messages by partition, as a history has them; what is an error is none."""
    found = {}
    for message in messages:
        if message.error() is None:
            found.setdefault(message.partition(), []).append([message.offset(), int(message.value())])
    return [{"partition": partition, "records": records} for partition, records in sorted(found.items())]


class Reader(Client):
    """Reads all partitions, which it chose itself, from their beginning."""

    def work(self):
        reading = consumer(self.bootstrap, "nobody")
        reading.assign([TopicPartition(TOPIC, partition, OFFSET_BEGINNING) for partition in range(PARTITIONS)])
        while not self.stopping.is_set():
            op = self.invoke("poll", assigned=True)
            got = reads(reading.consume(500, 0.2))
            self.done += sum(len(read["records"]) for read in got)
            self.history.say(self.number, op, "ok", "polled", reads=got)
        reading.close()


class Member(Client):
    """The only member of a group: commits what it has read, and asks now and then what is committed."""

    def work(self):
        reading = consumer(self.bootstrap, GROUP, **{"auto.offset.reset": "earliest", "session.timeout.ms": 6000})
        reading.subscribe([TOPIC])
        turn = 0
        while not self.stopping.is_set():
            op = self.invoke("poll", assigned=False)
            got = reads(reading.consume(200, 0.2))
            self.history.say(self.number, op, "ok", "polled", reads=got)
            offsets = [[read["partition"], read["records"][-1][0] + 1] for read in got]
            if offsets:
                self.commit(reading, offsets)
            turn += 1
            if turn % 10 == 0:
                self.ask(reading)
        reading.close()

    def commit(self, reading, offsets):
        op = self.invoke("commit", group=0, generation=1, offsets=offsets)
        try:
            told = reading.commit(offsets=[TopicPartition(TOPIC, p, o) for p, o in offsets], asynchronous=False)
            error = next((part.error for part in told if part.error), None)
        except KafkaException as wrong:
            error = wrong.args[0]
        if error is None:
            self.done += 1
            self.history.say(self.number, op, "ok", "done")
        else:
            self.history.say(self.number, op, "info", "error", why=str(error))

    def ask(self, reading):
        op = self.invoke("ask", group=0)
        try:
            told = reading.committed([TopicPartition(TOPIC, p) for p in range(PARTITIONS)], timeout=3)
            known = [[part.partition, part.offset] for part in told if part.error is None and part.offset >= 0]
            self.history.say(self.number, op, "ok", "told", offsets=known)
        except KafkaException as wrong:
            self.history.say(self.number, op, "info", "error", why=str(wrong.args[0]))


def read_to_the_end(number, history, bootstrap, patience):
    """The last reader: everything, from the start of each partition to its end. Answers how many records there were."""
    reading = consumer(bootstrap, "nobody")
    ends = {p: reading.get_watermark_offsets(TopicPartition(TOPIC, p), timeout=30)[1] for p in range(PARTITIONS)}
    reading.assign([TopicPartition(TOPIC, p, OFFSET_BEGINNING) for p in ends])
    at, op, count, until = {p: 0 for p in ends}, 0, 0, time.monotonic() + patience
    while any(at[p] < ends[p] for p in ends):
        if time.monotonic() > until:
            raise RuntimeError(f"the last reader is at {at}, the ends are {ends}")
        op += 1
        history.say(number, op, "invoke", "poll", assigned=True)
        got = reads(reading.consume(1000, 0.5))
        history.say(number, op, "ok", "polled", reads=got)
        for read in got:
            at[read["partition"]] = read["records"][-1][0] + 1
            count += len(read["records"])
    for partition, end in ends.items():
        op += 1
        history.say(number, op, "ok", "end", partition=partition, offset=end)
    reading.close()
    return count
