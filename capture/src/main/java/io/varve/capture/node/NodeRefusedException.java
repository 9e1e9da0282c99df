package io.varve.capture.node;

/** A wish about nodes that can't be granted; the message is QEMU 7.2's where QEMU refuses it, too. */
public final class NodeRefusedException extends Exception {
    private static final long serialVersionUID = 1L;

    public NodeRefusedException(String description) {
        super(description, null, false, false);
    }

    public String description() {
        return String.valueOf(getMessage());
    }
}
