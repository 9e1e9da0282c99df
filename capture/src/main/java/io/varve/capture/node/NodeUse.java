package io.varve.capture.node;

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

    /** A block export offers it. */
    record Export(String id) implements NodeUse {
        @Override
        public String reason() {
            return "block export '" + id + "' uses it";
        }
    }
}
