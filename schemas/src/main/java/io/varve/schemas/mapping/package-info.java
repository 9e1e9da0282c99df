/** Between core's records and the generated Avro classes, both ways; bad values are IllegalArgumentExceptions. */
@NullMarked
package io.varve.schemas.mapping;

import org.jspecify.annotations.NullMarked;
