// What asc's --use may define (asconfig.json); isDefined() asks for them. For tsc only.

declare const VMA_VERIFY: boolean;
declare const VMA_EXPLORE: boolean;
