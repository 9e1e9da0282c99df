package io.varve.capture.backend;

import io.varve.formats.nbd.NbdError;

/** A request for what may not be seen: EACCES to this process's own users, EINVAL by NBD, which has no such value. */
public final class PermissionDeniedException extends RequestFailedException {
    private static final long serialVersionUID = 1L;

    public PermissionDeniedException(String message) {
        super(NbdError.EINVAL, message);
    }
}
