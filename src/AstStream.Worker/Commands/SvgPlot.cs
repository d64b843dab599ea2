using System.Globalization;
using System.Text;

namespace AstStream.Worker.Commands;

/// <summary>Plots and pictures as SVG.</summary>
internal static class SvgPlot
{
    private const double Width = 440, Height = 260, Left = 54, Right = 12, Top = 10, Bottom = 38;
    private const int Series = 3; // colours

    /// <summary>Lines over two axes from 0.</summary>
    /// <param name="x">What the horizontal axis is.</param>
    /// <param name="y">What the vertical axis is.</param>
    /// <param name="mostX">The horizontal axis' end; what lies beyond is cut off.</param>
    /// <param name="mostY">The vertical axis' end.</param>
    /// <param name="series">Names and points of lines, by x; steps hold their height up to the next point.</param>
    public static string Lines(
        string x, string y, double mostX, double mostY,
        params (string Name, IEnumerable<(double X, double Y)> Points, bool IsSteps)[] series)
    {
        var svg = Begin(x, y, mostX, mostY);
        Add(svg, $"<clipPath id=\"inside\"><rect x=\"{Left}\" y=\"{Top}\" width=\"{Width - Left - Right}\" ");
        Add(svg, $"height=\"{Height - Top - Bottom + 1}\"/></clipPath>");
        foreach (var (i, (name, points, isSteps)) in series.Index())
        {
            var path = new StringBuilder();
            double last = 0;
            foreach (var (px, py) in points)
            {
                if (path.Length > 0 && isSteps)
                    Add(path, $"L{X(px, mostX):0.#} {Y(last, mostY):0.#}");
                Add(path, $"{(path.Length == 0 ? 'M' : 'L')}{X(px, mostX):0.#} {Y(py, mostY):0.#}");
                last = py;
            }

            if (isSteps && path.Length > 0)
                Add(path, $"L{Width - Right} {Y(last, mostY):0.#}");
            Add(svg, $"<path class=\"s{i % Series}\" clip-path=\"url(#inside)\" d=\"{path}\" fill=\"none\" stroke-width=\"2\"/>");
            Add(svg, $"<text x=\"{Width - Right - 4}\" y=\"{Top + 14 + (14 * i)}\" text-anchor=\"end\" class=\"f{i % Series}\">");
            Add(svg, $"{HtmlPage.Text(name)}</text>");
        }

        return svg.Append("</svg>").ToString();
    }

    /// <summary>How often values fall between bounds that are evenly apart; what lies beyond them is in the outer ones.</summary>
    public static string Histogram(string x, double from, double to, int bins, IReadOnlyList<double> values)
    {
        var counts = new int[bins];
        foreach (var value in values)
            counts[Math.Clamp((int)Math.Floor((value - from) / (to - from) * bins), 0, bins - 1)]++;
        var most = RoundUp(counts.Max());
        var svg = Begin(x, "events", to - from, most, from);
        for (var i = 0; i < bins; i++)
        {
            var (left, right) = (X(i, bins), X(i + 1, bins));
            Add(svg, $"<rect class=\"f0\" x=\"{left + 1:0.#}\" y=\"{Y(counts[i], most):0.#}\" width=\"{right - left - 2:0.#}\" ");
            Add(svg, $"height=\"{Y(0, most) - Y(counts[i], most):0.#}\"/>");
        }

        return svg.Append("</svg>").ToString();
    }

    /// <summary>What is there and what was reported over time, one above the other.</summary>
    /// <param name="seconds">The length of the recording.</param>
    /// <param name="rows">Names of rows and their bars: from, to, colour (0 to 2) and what each is.</param>
    public static string Timeline(
        double seconds, params (string Name, IEnumerable<(double From, double To, int Colour, string Text)> Bars)[] rows)
    {
        const double width = 940, left = 70, row = 22;
        var svg = new StringBuilder();
        Add(svg, $"<svg viewBox=\"0 0 {width} {(row * rows.Length) + 18}\" width=\"{width}\" style=\"max-width:100%\" role=\"img\">");
        double At(double time) => left + (time / Math.Max(seconds, 1e-9) * (width - left - 4));
        foreach (var (i, (name, bars)) in rows.Index())
        {
            Add(svg, $"<text x=\"0\" y=\"{(row * i) + 14}\">{HtmlPage.Text(name)}</text>");
            Add(svg, $"<path class=\"axis\" d=\"M{left} {(row * i) + 18.5}H{width - 4}\"/>");
            foreach (var (from, to, colour, text) in bars)
            {
                Add(svg, $"<rect class=\"f{colour}\" x=\"{At(from):0.#}\" y=\"{(row * i) + 4}\" ");
                Add(svg, $"width=\"{Math.Max(1, At(to) - At(from)):0.#}\" height=\"13\" rx=\"2\">");
                Add(svg, $"<title>{HtmlPage.Text(text)}</title></rect>");
            }
        }

        Add(svg, $"<text x=\"{left}\" y=\"{(row * rows.Length) + 14}\">0 s</text>");
        Add(svg, $"<text x=\"{width - 4}\" y=\"{(row * rows.Length) + 14}\" text-anchor=\"end\">{seconds:0.#} s</text>");
        return svg.Append("</svg>").ToString();
    }

    /// <summary>Counts by row and column, darker where there are more of the row's.</summary>
    public static string Matrix(IReadOnlyList<string> labels, Func<int, int, int> count)
    {
        const double left = 130, cell = 14;
        var size = left + (cell * labels.Count) + 2;
        var svg = new StringBuilder();
        Add(svg, $"<svg viewBox=\"0 0 {size} {size}\" width=\"{size}\" style=\"max-width:100%\" role=\"img\">");
        for (var i = 0; i < labels.Count; i++)
        {
            var name = HtmlPage.Text(labels[i].Length > 20 ? labels[i][..19] + "\u2026" : labels[i]);
            var at = left + (cell * i) + 11;
            Add(svg, $"<text x=\"{left - 4}\" y=\"{at}\" text-anchor=\"end\">{name}</text>");
            Add(svg, $"<text transform=\"translate({at} {left - 4}) rotate(-90)\">{name}</text>");
            var all = Math.Max(1, Enumerable.Range(0, labels.Count).Sum(k => count(i, k)));
            for (var k = 0; k < labels.Count; k++)
            {
                if (count(i, k) is > 0 and var n)
                {
                    Add(svg, $"<rect class=\"f{(i == k ? 2 : 1)}\" x=\"{left + (cell * k)}\" y=\"{left + (cell * i)}\" ");
                    Add(svg, $"width=\"{cell - 1}\" height=\"{cell - 1}\" opacity=\"{0.2 + (0.8 * n / all):0.##}\"><title>");
                    Add(svg, $"{HtmlPage.Text(labels[i])} taken for {HtmlPage.Text(labels[k])}: {n}</title></rect>");
                }
            }
        }

        return svg.Append("</svg>").ToString();
    }

    /// <summary>An axis' end at or after a value, whose quarters are short numbers.</summary>
    public static double RoundUp(double value)
    {
        var ten = Math.Pow(10, Math.Floor(Math.Log10(Math.Max(value, 1))));
        return ten * ((double[])[1, 1.2, 1.6, 2, 2.4, 3.2, 4, 6, 8, 10]).First(n => n * ten >= Math.Max(value, 1));
    }

    private static double X(double value, double most) => Left + (value / most * (Width - Left - Right));

    private static double Y(double value, double most) => Height - Bottom - (value / most * (Height - Top - Bottom));

    private static StringBuilder Begin(string x, string y, double mostX, double mostY, double fromX = 0)
    {
        var svg = new StringBuilder();
        Add(svg, $"<svg viewBox=\"0 0 {Width} {Height}\" width=\"{Width}\" style=\"max-width:100%\" role=\"img\">");
        Add(svg, $"<path class=\"axis\" d=\"M{Left} {Top}V{Height - Bottom}H{Width - Right}\"/>");
        for (var i = 0; i <= 4; i++)
        {
            Add(svg, $"<text x=\"{X(i, 4):0.#}\" y=\"{Height - Bottom + 15}\" text-anchor=\"middle\">");
            Add(svg, $"{fromX + (mostX * i / 4):0.##}</text>");
            Add(svg, $"<text x=\"{Left - 6}\" y=\"{Y(i, 4) + 4:0.#}\" text-anchor=\"end\">{mostY * i / 4:0.##}</text>");
        }

        Add(svg, $"<text x=\"{(Left + Width - Right) / 2}\" y=\"{Height - 6}\" text-anchor=\"middle\">{HtmlPage.Text(x)}</text>");
        Add(svg, $"<text transform=\"translate(11 {(Top + Height - Bottom) / 2}) rotate(-90)\" text-anchor=\"middle\">");
        return svg.Append(HtmlPage.Text(y)).Append("</text>");
    }

    private static void Add(StringBuilder svg, FormattableString text) => svg.Append(text.ToString(CultureInfo.InvariantCulture));
}
