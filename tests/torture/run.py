"""ESKER DIR SECONDS SEED: the cluster, the clients, the faults by chance, and the history in DIR/history.jsonl."""

import random
import sys
import time

from clients import PARTITIONS, TOPIC, History, Member, Reader, Sender, read_to_the_end
from cluster import NODES, Cluster, wait
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient, NewTopic

LAST_READER = 902


def ready(bootstrap):
    try:
        return len(AdminClient({"bootstrap.servers": bootstrap, "log_level": 0}).list_topics(timeout=3).brokers) == len(NODES)
    except KafkaException:
        return False


def create(bootstrap):
    admin = AdminClient({"bootstrap.servers": bootstrap, "log_level": 0})
    topic = NewTopic(TOPIC, PARTITIONS, 3, config={"min.insync.replicas": "2"})
    for made in admin.create_topics([topic], operation_timeout=30).values():
        made.result(60)


class Faults:
    """What is done to the cluster: each by chance, for a while, and then mended."""

    def __init__(self, cluster, dice):
        self.cluster, self.dice, self.counts = cluster, dice, {}

    def strike(self):
        fault = self.dice.choice([self.kill_one, self.kill_one, self.kill_two, self.kill_all, self.stand_still, self.stand_still,
                                  self.cut_one_way, self.cut_off, self.cut_off, self.disk_full])
        name = fault.__name__.replace("_", " ")
        self.counts[name] = self.counts.get(name, 0) + 1
        print(f"{name}", flush=True)
        fault()
        for node in self.cluster.tend():
            print(f"node {node} had ended, and is started again", flush=True)

    def last(self, short=0.5, long=5.0):
        time.sleep(self.dice.uniform(short, long))

    def kill(self, nodes):
        for node in nodes:
            self.cluster.kill(node)
        self.last(0.1, 4)
        for node in nodes:
            self.cluster.start(node)

    def kill_one(self):
        self.kill([self.dice.choice(NODES)])

    def kill_two(self):
        self.kill(self.dice.sample(NODES, 2))

    def kill_all(self):
        self.kill(list(NODES))

    def stand_still(self):
        node = self.dice.choice(NODES)
        self.cluster.pause(node)
        self.last(1, 6)
        self.cluster.go_on(node)

    def cut_one_way(self):
        frm, to = self.dice.sample(NODES, 2)
        self.cluster.cut(frm, to)
        self.last()
        self.cluster.mend()

    def cut_off(self):
        node = self.dice.choice(NODES)
        for other in NODES:
            if other != node:
                self.cluster.cut(node, other)
                self.cluster.cut(other, node)
        self.last(1, 6)
        self.cluster.mend()

    def disk_full(self):
        self.cluster.fill()
        self.last(1, 4)
        self.cluster.room()


def main(esker, folder, seconds, seed):
    dice = random.Random(seed)
    cluster = Cluster(esker, folder)
    bootstrap = cluster.bootstrap()
    wait("the nodes serve", lambda: ready(bootstrap), 60)
    create(bootstrap)
    history = History(f"{folder}/history.jsonl")
    clients = [Sender(1, history, bootstrap), Sender(2, history, bootstrap), Reader(3, history, bootstrap), Member(4, history, bootstrap)]
    for client in clients:
        client.start()
    faults = Faults(cluster, dice)
    print(f"seed {seed}, {seconds} s", flush=True)
    end = time.monotonic() + seconds
    time.sleep(2)
    while time.monotonic() < end:
        faults.strike()
        time.sleep(dice.uniform(0.3, 3))
    cluster.mend()
    cluster.room()

    def healed():
        cluster.tend()
        return ready(bootstrap)

    wait("the nodes serve again", healed, 60)
    for client in clients:
        client.stopping.set()
    for client in clients:
        client.join(120)
        if client.is_alive():
            raise RuntimeError(f"client {client.number} does not end")
    wait("all partitions have their leader", lambda: ready(bootstrap), 60)
    count = read_to_the_end(LAST_READER, history, bootstrap, 60)
    history.close()
    cluster.stop()
    failed = [client.failed for client in clients if client.failed]
    if failed:
        raise RuntimeError("; ".join(failed))
    struck = ", ".join(f"{name} {times}" for name, times in sorted(faults.counts.items()))
    print(f"{clients[0].done + clients[1].done} records acked, {clients[2].done} read meanwhile, {clients[3].done} commits, "
          f"{count} records at the end, {history.count} events\nfaults: {struck}")


main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
