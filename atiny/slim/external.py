"""Names that belong to the runtimes' own objects, so that no name of ours is made of them and none of theirs renamed.

What is reached through a module's name (``os.urandom``) needs no entry: the imports tell it.
"""

# What instances of the builtin types have, CPython's and MicroPython's: strings, collections, streams, sockets,
# exceptions, digests, TLS contexts, partitions of a flash; and the keyword arguments that their functions take.
MEMBERS = frozenset(
    """
accept acquire acquire_lock add add_note append appendleft args as_integer_ratio bind bit_count bit_length
block_size buffer c_contiguous cache_tag capitalize casefold cast center cert_reqs characters_written clear close
closed commit conjugate connect connect_ex contiguous copy count decode default deleter denominator detach
difference difference_update digest digest_size discard do_handshake_on_connect dup encode encoding end endpos
endswith erase_key errno errors expand expandtabs extend extendleft f_contiguous family fdel fget file filename
filename2 fileno find findall finditer flags flush format format_map from_bytes fromhex fromkeys fset fullmatch get
get_blob get_ciphers get_i32 get_inheritable get_next getblocking getbuffer getpeername getsockname getsockopt
getter gettimeout getvalue gi_code gi_frame gi_running gi_suspended gi_yieldfrom group groupdict groupindex groups
hex hexdigest hexversion imag index indices info insert intersection intersection_update ioctl ipoll is_integer
isalnum isalpha isascii isatty isdecimal isdigit isdisjoint isidentifier islower isnumeric isprintable isspace
issubset issuperset istitle isupper items itemsize join key keys lastgroup lastindex line_buffering listen ljust
load_cert_chain load_verify_locations locked locked_lock lower lstrip makefile maketrans mapping
mark_app_valid_cancel_rollback match maxlen mode modify move_to_end mro n_fields n_sequence_fields n_unnamed_fields
name nbytes ndim newlines numerator obj off on partition pattern peek pend_throw poll pop popitem popleft pos proto
psk_identity psk_key raw re read read1 readable readblocks readinto readinto1 readline readlines readonly real
reconfigure recv recv_into recvfrom recvfrom_into recvmsg recvmsg_into register regs release release_lock remove
removeprefix removesuffix replace reverse rfind rindex rjust rotate rpartition rsplit rstrip scanner search seek
seekable send sendall sendfile sendmsg sendmsg_afalg sendto sep server_hostname server_psk_keys server_side set_blob
set_boot set_ciphers set_i32 set_inheritable setblocking setdefault setsockopt setter settimeout shape shutdown sort
span split splitlines start startswith step stop strerror strides string strip sub subn suboffsets swapcase
symmetric_difference symmetric_difference_update tell throw timeout title tm_gmtoff tm_hour tm_isdst tm_mday tm_min
tm_mon tm_sec tm_wday tm_yday tm_year tm_zone to_bytes tobytes tolist toreadonly translate truncate type type_params
union unregister update upper value values verify_callback verify_mode version with_traceback wrap_socket writable
write write_through writeblocks writelines zfill
""".split()
)
