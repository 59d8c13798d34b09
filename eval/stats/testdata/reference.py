"""Writes reference.json: what public implementations say of fixed inputs; TestReference holds package stats to it.

Only this script needs them, never the program:
  python3 -m venv V; V/bin/pip install numpy==2.4.6 scipy==1.17.1 statsmodels==0.15.0 scikit-learn==1.9.1 krippendorff==0.9.0 ir_measures==0.4.3 pytrec_eval-terrier==0.5.11
  V/bin/python reference.py > reference.json
"""
import itertools, json, math
import ir_measures, krippendorff, numpy as np
from scipy import stats
from sklearn.calibration import calibration_curve
from sklearn.metrics import cohen_kappa_score, roc_auc_score
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import proportion_confint

R = np.random.default_rng(20261127)
out = {}

out['wilson'] = [dict(k=k, n=n, low=float(lo), high=float(hi)) for k, n in
                 [(0, 1), (1, 1), (0, 10), (10, 10), (3, 10), (1, 300), (297, 300), (0, 300), (500, 1000), (99999, 100000)]
                 for lo, hi in [proportion_confint(k, n, method='wilson')]]

# The generators differ between languages, so the draws themselves are in the file.
def bootstrap(values, clusters, draws):
    names = list(dict.fromkeys(clusters))
    of = [np.array([v for v, c in zip(values, clusters) if c == n]) for n in names]
    return np.array([np.nanmean(np.concatenate([of[i] for i in d])) for d in draws])

def interval(means):
    cut = len(means) // 40
    return float(means[cut]), float(means[len(means) - 1 - cut])

out['bootstrap'] = []
for n, k, reps in [(30, 30, 200), (60, 12, 120), (50, 7, 79), (5, 1, 40)]:
    clusters = [f'c{i}' for i in (range(n) if n == k else R.integers(0, k, n))]
    a = [float(x) for x in R.random(n).round(3)]
    b = [float(min(1, x + d)) for x, d in zip(a, R.normal(.05, .2, n).round(3))]
    m = len(set(clusters))
    draws = R.integers(0, m, (reps, m)).tolist()
    lo, hi = interval(np.sort(bootstrap(a, clusters, draws)))
    if n == 60:  # some count in one list only
        b[3] = b[17] = b[40] = math.nan
    d = np.sort(bootstrap(b, clusters, draws) - bootstrap(a, clusters, draws))
    dlo, dhi = interval(d)
    p = min(1, 2 * min((d <= 0).sum() + 1, (d >= 0).sum() + 1) / (reps + 1))
    out['bootstrap'].append(dict(a=a, b=[None if math.isnan(x) else x for x in b], clusters=clusters, draws=draws, low=lo, high=hi,
                                 difference=float(np.nanmean(b) - np.mean(a)), difference_low=dlo, difference_high=dhi, p=float(p)))

def midp(b, c):
    return min(1.0, float(2 * stats.binom.cdf(min(b, c), b + c, .5) - stats.binom.pmf(min(b, c), b + c, .5)))
out['mcnemar'] = [dict(b=b, c=c, exact=float(mcnemar([[0, b], [c, 0]], exact=True).pvalue), mid=midp(b, c))
                  for b, c in [(0, 1), (1, 0), (0, 5), (5, 5), (1, 9), (12, 3), (30, 41), (0, 60), (400, 460), (1, 1200)]]

out['holm'] = []
for p in [[.01], [.04, .01, .03, .005], [.5, .5, .5], [0, 1, .02, .02, .02], R.random(25).round(6).tolist()]:
    out['holm'].append(dict(p=p, adjusted=[float(x) for x in multipletests(p, method='holm')[1]]))

L = ['false', 'misleading', 'partly_true', 'true']
out['kappa'] = []
for n, copy in [(8, .9), (50, .5), (300, .8), (40, 0)]:
    a = [L[i] for i in R.integers(0, 4, n)]
    b = [x if R.random() < copy else L[R.integers(0, 4)] for x in a]
    out['kappa'].append(dict(a=a, b=b, kappa=float(cohen_kappa_score(a, b))))

out['alpha'] = []
for raters, n, missing in [(2, 12, 0), (3, 40, .3), (4, 12, .2), (5, 90, .6)]:
    truth = R.integers(0, 4, n)
    data = np.array([[t if R.random() < .7 else R.integers(0, 4) for t in truth] for _ in range(raters)], dtype=float)
    data[R.random(data.shape) < missing] = np.nan
    out['alpha'].append(dict(ratings=[['' if math.isnan(v) else L[int(v)] for v in row] for row in data],
                             nominal=float(krippendorff.alpha(data, level_of_measurement='nominal')),
                             ordinal=float(krippendorff.alpha(data, level_of_measurement='ordinal'))))

out['ndcg'] = []
for n, k in [(1, 10), (12, 10), (30, 3), (30, 10), (4, 10)]:
    grade = {f'd{i:02d}': int(g) for i, g in enumerate(R.integers(-1, 4, n))}
    grade['d00'] = 2
    ranked = [f'd{i:02d}' for i in R.permutation(n)][:max(1, n * 2 // 3)] + ['unjudged']
    run = [ir_measures.ScoredDoc('q', d, 100. - i) for i, d in enumerate(ranked)]
    qrels = [ir_measures.Qrel('q', d, g) for d, g in grade.items()]
    out['ndcg'].append(dict(grades=[grade.get(d, 0) for d in ranked], ideal=list(grade.values()), k=k,
                            ndcg=float(ir_measures.pytrec_eval.calc_aggregate([ir_measures.nDCG @ k], qrels, run)[ir_measures.nDCG @ k])))

# Ties: the mean over every order of the input, by trying them all.
def aurc(score, right):
    order = sorted(range(len(score)), key=lambda i: -score[i])  # stable
    wrong = np.cumsum([not right[i] for i in order])
    return float(np.mean(wrong / np.arange(1, len(score) + 1)))
out['risk_coverage'] = []
for n, ties in [(1, False), (40, False), (7, True)]:
    s = (R.integers(0, 3, n) / 4).tolist() if ties else R.random(n).round(9).tolist()
    r = [bool(x) for x in R.random(n) < .7]
    orders = itertools.permutations(range(n)) if ties else [range(n)]
    out['risk_coverage'].append(dict(score=s, right=r, aurc=float(np.mean([aurc([s[i] for i in o], [r[i] for i in o]) for o in orders]))))

def ece(p, right, bins):
    edges = [i / bins for i in range(bins + 1)]  # linspace has 0.30000000000000004
    hits, _ = np.histogram(p, edges, weights=np.array(right, float))
    total, _ = np.histogram(p, edges, weights=p)
    return float(np.abs(hits - total).sum() / len(p))
out['calibration'] = []
for n, bins in [(200, 10), (37, 15), (5, 4)]:
    p = R.random(n).round(9)
    right = [bool(x) for x in R.random(n) < p]
    rate, mean = calibration_curve(right, p, n_bins=bins)  # p on no edge, empty bins left out
    out['calibration'].append(dict(p=p.tolist(), right=right, bins=bins, rate=rate.tolist(), mean=mean.tolist(), ece=ece(p, right, bins)))
p = [0, .1, .2, .3, .4, .5, .6, .7, .8, .9, 1, .25, .25]
out['calibration'].append(dict(p=p, right=[i % 3 == 0 for i in range(len(p))], bins=10, rate=None, mean=None,
                               ece=ece(p, [i % 3 == 0 for i in range(len(p))], 10)))

out['auroc'] = []
for n, m in [(1, 1), (20, 30), (50, 50)]:
    pos, neg = (R.random(n) + .2).round(1).tolist(), R.random(m).round(1).tolist()
    out['auroc'].append(dict(positive=pos, negative=neg, auroc=float(roc_auc_score([1] * n + [0] * m, pos + neg))))

v = R.normal(0, 10, 137).tolist()
out['percentile'] = [dict(values=v[:n], q=q, value=float(np.percentile(v[:n], q * 100, method='inverted_cdf')))
                     for n in (1, 2, 20, 137) for q in (0, .05, .5, .9, .95, .99, 1)]

print(json.dumps(out, separators=(',', ':')).replace('],"', '],\n"').replace('},{', '},\n{'))
