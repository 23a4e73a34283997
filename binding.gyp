{
  'targets': [
    {
      'target_name': 'nftlink',
      'sources': ['<!@(ls native/*.cc)'],
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
