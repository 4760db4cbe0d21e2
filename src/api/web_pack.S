/* The page's files as web/pack.mjs put them together, embedded in the program. */
    .section .rodata
    .global aloud_web_pack_begin
    .global aloud_web_pack_end
    .hidden aloud_web_pack_begin
    .hidden aloud_web_pack_end
aloud_web_pack_begin:
    .incbin ALOUD_WEB_PACK
aloud_web_pack_end:
    .byte 0
    .section .note.GNU-stack, "", @progbits
