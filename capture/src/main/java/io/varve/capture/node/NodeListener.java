package io.varve.capture.node;

import io.varve.capture.nbd.Export;

/** Hears of what may be offered to guests, by the names of nodes and devices. */
public interface NodeListener {
    /**
     * Called under the lock of {@link NodeGraph}: must be quick.
     *
     * @param export of a device, whichever node is under it
     */
    void offered(String name, Export export, boolean isDevice);

    void withdrawn(String name);
}
