package io.varve.capture.node;

import java.util.Optional;

/** Who uses a node, and so keeps it from being taken away or changed. */
public sealed interface NodeUse {
    /** Why the node can't be deleted meanwhile, or changed in size: a clause, as QEMU has it. */
    String reason();

    /** A block job reads or writes it. */
    record Job(String type) implements NodeUse {
        @Override
        public String reason() {
            return "block device is in use by block job: " + type;
        }
    }

    /**
     * A block export offers it, or a bitmap of it.
     *
     * @param way of the clients' requests, where the node itself is offered; empty where only a bitmap is
     */
    record Export(String id, Optional<DeviceIo> way) implements NodeUse {
        @Override
        public String reason() {
            return "block export '" + id + "' uses it";
        }
    }
}
