using AstStream.Benchmarks;
using BenchmarkDotNet.Running;

// `frontend` prints one line a kernel, to be read beside other programs' lines of one run; everything else is BenchmarkDotNet's.
if (args is ["frontend", ..])
    FrontEndLines.Print();
else
    BenchmarkSwitcher.FromAssembly(typeof(FrontEndLines).Assembly).Run(args);
