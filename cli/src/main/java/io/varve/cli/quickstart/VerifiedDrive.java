package io.varve.cli.quickstart;

import io.varve.archive.Manifest;
import java.util.Optional;

/**
 * One drive of a sync point, restored and compared.
 *
 * @param objection what is wrong with it; empty when nothing is
 */
record VerifiedDrive(TakenSyncPoint syncPoint, Manifest manifest, String finding, Optional<String> objection) {
    boolean holds() {
        return objection.isEmpty();
    }
}
