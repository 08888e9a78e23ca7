"""Three Esker nodes, each in a network namespace of its own behind one bridge; and what can be done to them."""

import os
import signal
import subprocess
import time

NODES = (1, 2, 3)
SMALL = 3  # the node whose disk is small
SMALL_MIB = 96


def sh(line):
    subprocess.run(line, shell=True, check=True)


def address(node):
    return f"10.77.0.{node}"


class Cluster:
    def __init__(self, esker, folder):
        self.esker, self.folder, self.running, self.wanted = esker, folder, {}, set(NODES)
        sh("ip link set lo up; ip link add esker type bridge; ip link set esker up; ip addr add 10.77.0.254/24 dev esker")
        # The names of namespaces belong to this mount namespace alone.
        sh("mkdir -p /run/netns; mount -t tmpfs none /run/netns")
        for node in NODES:
            sh(f"ip netns add node{node}; ip link add to{node} type veth peer name eth0 netns node{node}")
            sh(f"ip link set to{node} master esker up")
            sh(f"ip -n node{node} link set lo up; ip -n node{node} link set eth0 up")
            sh(f"ip -n node{node} addr add {address(node)}/24 dev eth0")
            os.makedirs(self.data(node))
            with open(f"{folder}/node{node}.properties", "w") as file:
                file.write(self.properties(node))
        sh(f"mount -t tmpfs -o size={SMALL_MIB}m none {self.data(SMALL)}")
        for node in NODES:
            self.start(node)

    def data(self, node):
        return f"{self.folder}/data{node}"

    def bootstrap(self):
        return ",".join(f"{address(node)}:9092" for node in NODES)

    def properties(self, node):
        voters = ",".join(f"{voter}@{address(voter)}:9093" for voter in NODES)
        at = address(node)
        return f"""process.roles=broker,controller
node.id={node}
controller.quorum.voters={voters}
listeners=PLAINTEXT://{at}:9092,CONTROLLER://{at}:9093
advertised.listeners=PLAINTEXT://{at}:9092
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
log.dirs={self.data(node)}
default.replication.factor=3
offsets.topic.replication.factor=3
offsets.topic.num.partitions=2
min.insync.replicas=2
group.initial.rebalance.delay.ms=0
broker.session.timeout.ms=3000
broker.heartbeat.interval.ms=500
replica.lag.time.max.ms=3000
log.segment.bytes=1048576
"""

    def start(self, node):
        self.wanted.add(node)
        log = open(f"{self.folder}/node{node}.log", "ab")
        self.running[node] = subprocess.Popen(
            ["ip", "netns", "exec", f"node{node}", self.esker, "serve", f"{self.folder}/node{node}.properties"],
            stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        with open(f"{self.folder}/node{node}.pid", "w") as file:
            file.write(str(self.running[node].pid))

    def kill(self, node):
        self.wanted.discard(node)
        self.running[node].kill()
        self.running[node].wait()

    def pause(self, node):
        self.running[node].send_signal(signal.SIGSTOP)

    def go_on(self, node):
        self.running[node].send_signal(signal.SIGCONT)

    def cut(self, frm, to):
        """Nothing gets from one node to another any more; the other way it does."""
        sh(f"ip -n node{frm} route add blackhole {address(to)}/32")

    def mend(self):
        for frm in NODES:
            for to in NODES:
                subprocess.run(f"ip -n node{frm} route del blackhole {address(to)}/32 2>/dev/null", shell=True)

    def fill(self):
        """Takes all that is left of the small disk."""
        # Without a buffer: what did not fit would be tried again when the file is closed.
        with open(f"{self.data(SMALL)}/ballast", "wb", buffering=0) as file:
            try:
                while file.write(b"x" * 4096):
                    pass
            except OSError:
                pass

    def room(self):
        if os.path.exists(f"{self.data(SMALL)}/ballast"):
            os.remove(f"{self.data(SMALL)}/ballast")

    def tend(self):
        """Starts again what has ended by itself (a node whose disk fails stops); answers which."""
        ended = [node for node in self.wanted if self.running[node].poll() is not None]
        for node in ended:
            self.start(node)
        return ended

    def stop(self):
        for node in NODES:
            self.running[node].terminate()
        for node in NODES:
            try:
                self.running[node].wait(timeout=20)
            except subprocess.TimeoutExpired:
                self.running[node].kill()
                raise RuntimeError(f"node {node} did not stop within 20 s")


def wait(what, until, patience):
    """Waits until `until()` is true."""
    end = time.monotonic() + patience
    while not until():
        if time.monotonic() > end:
            raise RuntimeError(f"not within {patience} s: {what}")
        time.sleep(0.2)
