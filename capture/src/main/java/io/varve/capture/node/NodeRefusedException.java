package io.varve.capture.node;

/** A wish about nodes that can't be granted; the message is QEMU 7.2's where QEMU refuses it, too. */
public final class NodeRefusedException extends Exception {
    private static final long serialVersionUID = 1L;

    private final String sentence;

    public NodeRefusedException(String description) {
        this(description, description);
    }

    /** @param sentence what an operator reads instead: it says more than QEMU does */
    public NodeRefusedException(String description, String sentence) {
        super(description, null, false, false);
        this.sentence = sentence;
    }

    public String description() {
        return String.valueOf(getMessage());
    }

    /** For an operator, who needn't know QEMU's words. */
    public String sentence() {
        return sentence;
    }
}
