package io.varve.capture.node;

/** Hears of what may be offered to guests, by the names of nodes and devices. */
public interface NodeListener {
    /** Called under the lock of {@link NodeGraph}: must be quick. */
    void offered(String name, Node node, boolean isDevice);

    /** Another node is under a device; whoever writes through it is to notice nothing, where that can be done. */
    default void replaced(String device, Node node) {
        withdrawn(device);
        offered(device, node, true);
    }

    void withdrawn(String name);
}
