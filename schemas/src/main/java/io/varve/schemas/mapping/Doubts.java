package io.varve.schemas.mapping;

import io.varve.core.drive.Doubt;
import io.varve.core.drive.FullCause;

/** Why a bitmap can't be believed. A cause of a later version is read as the general one; its words stay. */
final class Doubts {
    private Doubts() {}

    static Doubt toCore(String cause, String reason) {
        return new Doubt(FullCause.ofAnyVersion(cause), reason);
    }
}
