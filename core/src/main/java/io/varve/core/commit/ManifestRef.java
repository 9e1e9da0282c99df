package io.varve.core.commit;

import io.varve.core.bits.Digest;
import io.varve.core.drive.Anchor;
import io.varve.core.drive.BackupKind;
import io.varve.core.drive.SyncPointMark;
import io.varve.core.id.SyncPointId;

/** A manifest that lies in the archive with everything that it names. */
public record ManifestRef(String key, Digest sha256) {
    /** What a commit of this manifest anchors the bitmaps of {@code mark} to. */
    public Anchor anchor(SyncPointMark mark) {
        SyncPointId syncPoint = mark.key().syncPoint();
        return switch (mark.kind()) {
            case BackupKind.Full _ -> new Anchor(syncPoint, syncPoint, 0, key, sha256);
            case BackupKind.Incremental(var parent) -> {
                Anchor head = parent.orElseThrow();
                yield new Anchor(syncPoint, head.chain(), head.sequence() + 1, key, sha256);
            }
        };
    }
}
