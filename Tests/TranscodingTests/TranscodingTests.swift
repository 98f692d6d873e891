// TranscodingTests
