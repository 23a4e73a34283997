{
  'targets': [
    {
      'target_name': 'nftlink',
      'sources': [
        'native/addon.cc',
        'native/attribute_schema.cc',
        'native/batch.cc',
        'native/blame.cc',
        'native/element_columns.cc',
        'native/encode.cc',
        'native/encode_elements.cc',
        'native/encode_object.cc',
        'native/exchange.cc',
        'native/expression_builder.cc',
        'native/expression_schema.cc',
        'native/napi_support.cc',
        'native/netlink_reply.cc',
        'native/netlink_socket.cc',
        'native/outcome.cc',
        'native/packed_reader.cc',
        'native/pending_task.cc',
        'native/probe.cc',
        'native/request.cc',
        'native/socket_handle.cc',
        'native/transact.cc',
        'native/worker.cc',
      ],
      'defines': [
        'NAPI_VERSION=9',
        'NFTLINK_LIBNFTNL_VERSION="<!(pkg-config --modversion libnftnl)"',
      ],
      # Exceptions are caught where they can arise (threads, memory): std::thread reports by them.
      'cflags_cc!': ['-fno-exceptions', '-std=gnu++17', '-std=gnu++20'],
      'cflags_cc': [
        '-std=c++20', '-fexceptions', '-O2', '-Wall', '-Wextra', '-Wconversion', '-Werror',
        '-fvisibility=hidden', '-fvisibility-inlines-hidden',
        '<!@(pkg-config --cflags libnftnl libmnl)',
      ],
      # nodelete: a thread that closes a collected socket may outlive the worker that loaded the addon.
      'ldflags': ['-Wl,-z,nodelete'],
      'libraries': ['<!@(pkg-config --libs libnftnl libmnl)'],
    },
  ],
}
