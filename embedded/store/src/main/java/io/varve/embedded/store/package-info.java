/** The embedded S3 server: buckets are folders of this machine. */
@NullMarked
package io.varve.embedded.store;

import org.jspecify.annotations.NullMarked;
