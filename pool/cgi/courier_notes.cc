#include "pool/cgi/courier_notes.h"

#include "hydrapool/connection.h"

namespace hydrapool::cgi {

CourierNotes& NotesOf(const Exchange& exchange) { return exchange.connection().notes<CourierNotes>(); }

}  // namespace hydrapool::cgi
