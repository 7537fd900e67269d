"""What a user gets from outside, at the published address. One module a topic.

With only an address, the files of a site are those that its page, scripts and styles reference. With the image, they
are also all files that the image ships. Each file is requested plain, as gzip and as brotli. Other requests (HEAD,
ranges, conditions) go to each file of a small site, and to a sample of a large one (samples.MAX_SAMPLE_FILES).
"""
