package io.varve.formats.qcow2;

/** What a copied cluster holds. */
public enum ClusterKind {
    /** Bytes, not all of them zero. */
    DATA,
    /** Zeros only: kept as a flag, without bytes. */
    ZERO
}
