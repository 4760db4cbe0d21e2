/* The default model, embedded in the program. */
    .section .rodata
    .balign 64
    .global aloud_default_model_begin
    .global aloud_default_model_end
    .hidden aloud_default_model_begin
    .hidden aloud_default_model_end
aloud_default_model_begin:
    .incbin ALOUD_DEFAULT_MODEL
aloud_default_model_end:
    .byte 0
    .section .note.GNU-stack, "", @progbits
