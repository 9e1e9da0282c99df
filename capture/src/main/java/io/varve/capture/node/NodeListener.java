package io.varve.capture.node;

/** Hears of what may be offered to guests, by the names of nodes and devices. */
public interface NodeListener {
    /** Called under the lock of {@link NodeGraph}: must be quick. */
    void offered(String name, Node node, boolean isDevice);

    void withdrawn(String name);
}
